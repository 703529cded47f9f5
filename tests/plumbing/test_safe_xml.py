"""XML that others wrote cannot hurt: no entity is expanded, nothing is fetched, everything is bounded."""

from xml.etree.ElementTree import Element, tostring

import pytest

from plumbing.safe_xml import MAX_DEPTH, MAX_ELEMENTS, MAX_NAMESPACE, BadXml, parse, text_of

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><lolz>&c;</lolz>"""
EXTERNAL = b'<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd">]><x>&file;</x>'


def code_of(document: bytes, max_bytes: int = 1_000_000) -> str:
    with pytest.raises(BadXml) as caught:
        parse(document, max_bytes=max_bytes)
    return caught.value.code


@pytest.mark.parametrize("document", [LAUGHS, EXTERNAL, b"<!DOCTYPE x SYSTEM 'http://127.0.0.1:1/x.dtd'><x/>"])
def test_a_document_type_is_refused_before_any_entity_exists(document: bytes) -> None:
    assert code_of(document) == "doctype"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"   ",
        b"{}",
        b"<a>",
        b"<a></b>",
        b"<a/><b/>",
        b"<a>&unknown;</a>",
        b"<a>\x00</a>",
        b"\xff\xfe",
        "<a>æ</a>".encode("latin-1"),
        b'<?xml version="1.0" encoding="no-such"?><a/>',
        b"<x:a/>",
    ],
)
def test_what_is_not_xml_is_called_so(document: bytes) -> None:
    assert code_of(document) == "not-xml"


@pytest.mark.parametrize("label", ["utf8", "UTF8", "Utf8"])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_the_label_utf8_means_what_who_writes_it_means(label: str, quote: str) -> None:
    declaration = f"<?xml version={quote}1.0{quote} encoding={quote}{label}{quote}?>"
    assert parse(f"{declaration}\n<a>Påmindelse 王</a>".encode(), max_bytes=1000).text == "Påmindelse 王"
    assert parse(f"\ufeff{declaration}<a>æ</a>".encode(), max_bytes=1000).text == "æ"
    assert code_of(f"{declaration}<a>æ</a>".encode("latin-1")) == "not-xml"
    assert code_of(f"{declaration}<!DOCTYPE a><a>æ</a>".encode()) == "doctype"


def test_what_pythons_own_writer_calls_utf8_is_read() -> None:
    element = Element("a")
    element.text = "Påmindelse"
    assert parse(tostring(element, encoding="utf8"), max_bytes=1000).text == "Påmindelse"


@pytest.mark.parametrize("label", ["no-such", "utf8x", "xutf8", "utf-9", "utf_8", "utf 8", "", "utf-16", "u8"])
def test_other_labels_that_xml_does_not_know_stay_refused(label: str) -> None:
    assert code_of(f'<?xml version="1.0" encoding="{label}"?><a>æ</a>'.encode()) == "not-xml"


def test_a_label_that_is_known_is_heeded() -> None:
    document = '<?xml version="1.0" encoding="iso-8859-1"?><a>æ</a>'
    assert parse(document.encode("latin-1"), max_bytes=1000).text == "æ"
    assert parse('<?xml version="1.0" encoding="UTF-16"?><a>æ</a>'.encode("utf-16"), max_bytes=1000).text == "æ"


def test_utf8_counts_only_where_the_encoding_is_declared() -> None:
    body = "<!-- <?xml version='1.0' encoding='utf8'?> --><a>æ</a>"
    assert parse(f'<?xml version="1.0" encoding="latin-1"?>{body}'.encode("latin-1"), max_bytes=1000).text == "æ"


def test_size_depth_and_number_of_elements_are_bounded() -> None:
    assert code_of(b"<a/>", max_bytes=3) == "too-large"
    assert code_of(b"<a>" * (MAX_DEPTH + 1)) == "too-deep"
    assert code_of(b"<a>" + b"<b/>" * MAX_ELEMENTS + b"</a>") == "too-many-elements"


@pytest.mark.parametrize(
    "document",
    [
        b"<a xmlns:x='%s'>" + b"<x:b/>" * 16_000 + b"</a>",
        b"<a xmlns='%s'>" + b"<b/>" * 16_000 + b"</a>",
        b"<a xmlns:x='%s'>" + b"<b x:c=''/>" * 10_000 + b"</a>",
    ],
    ids=["prefixed", "default", "attributes"],
)
def test_a_namespace_that_would_be_in_every_name_is_bounded(document: bytes) -> None:
    """220 kB made two gigabytes of names, and kept the event loop for six seconds."""
    assert code_of(document % (b"y" * 120_000)) == "long-namespace"
    assert len(parse(document % (b"y" * MAX_NAMESPACE), max_bytes=1_000_000)) > 9_000


def test_an_error_never_quotes_the_document() -> None:
    with pytest.raises(BadXml) as caught:
        parse(b"<a><secret>6101901234</a>", max_bytes=100)
    assert "6101901234" not in str(caught.value)
    assert "secret" not in repr(caught.value)


def test_names_keep_their_namespace_and_texts_are_found_by_local_name() -> None:
    root = parse(b'<k:r xmlns:k="urn:k" a="1"><k:Id> 7 </k:Id><Empty/><Id>8</Id></k:r>', max_bytes=1000)
    assert root.tag == "{urn:k}r"
    assert root.attrib == {"a": "1"}
    assert [child.tag for child in root] == ["{urn:k}Id", "Empty", "Id"]
    assert text_of(root, "Id") == "7"
    assert text_of(root, "Empty") is None
    assert text_of(root, "Absent") is None


def test_large_texts_arrive_in_one_piece() -> None:
    payload = b"x" * 300_000
    root = parse(b"<a>" + payload + b"</a>", max_bytes=1_000_000)
    assert root.text == payload.decode()
