"""What a browser finds in a page."""

from html.parser import HTMLParser


class Tags(HTMLParser):
    """The tags and attributes of a page, as a browser understands them."""

    def __init__(self, page: str):
        super().__init__()
        self.found, self.attributes = list[str](), set[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.found.append(tag)
        self.attributes |= {name for name, _ in attrs}
