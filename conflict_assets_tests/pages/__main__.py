"""Write the generated pages and regions anew; `make generated` runs this and writes the other pages."""

from conflict_assets_tests.pages.generated_pages import generated

if __name__ == "__main__":
    for page, text in generated().items():
        page.write_text(text, encoding="utf-8")
