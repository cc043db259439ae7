SELECT count(*) FROM persons;
