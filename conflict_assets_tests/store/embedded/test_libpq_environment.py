"""libpq's variables are out of sight while the embedded server is connected to, and back afterwards."""

import os
import threading

import pytest

from conflict_assets.store.embedded.libpq_environment import libpq_variables_hidden, without_libpq_variables


def seen():
    return {name: value for name, value in os.environ.items() if name.startswith("PG")}


@pytest.fixture(autouse=True)
def variables(monkeypatch):
    for name in seen():
        monkeypatch.delenv(name)
    monkeypatch.setenv("PGSERVICE", "prod")
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")


def test_variables_are_hidden_and_put_back():
    before = seen()
    with libpq_variables_hidden():
        assert seen() == {}
    assert seen() == before


def test_variables_are_put_back_after_an_error():
    before = seen()
    with pytest.raises(ValueError, match="of a test"), libpq_variables_hidden():
        raise ValueError("of a test")
    assert seen() == before


def test_the_last_of_several_threads_puts_them_back():
    before = seen()
    entered, may_leave = threading.Event(), threading.Event()

    def other():
        with libpq_variables_hidden():
            entered.set()
            may_leave.wait(30)

    thread = threading.Thread(target=other)
    with libpq_variables_hidden():
        thread.start()
        assert entered.wait(30)
    assert seen() == {}
    may_leave.set()
    thread.join()
    assert seen() == before


def test_a_process_that_is_forked_meanwhile_has_its_variables():
    reading, writing = os.pipe()
    with libpq_variables_hidden():
        child = os.fork()
        if not child:
            os.write(writing, os.environ.get("PGSERVICE", "gone").encode())
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 10) == b"prod"
    os.close(reading)
    os.close(writing)


def test_an_environment_for_programs_is_copied_without_them():
    assert without_libpq_variables({"PATH": "/bin", "PGDATA": "/x", "PGSERVICE": "prod"}) == {"PATH": "/bin"}
