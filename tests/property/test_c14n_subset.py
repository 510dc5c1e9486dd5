"""The own writer of canonical form agrees with lxml wherever lxml can answer."""

from __future__ import annotations

from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from transcript_core.c14n import C14nMethod, canonicalize_document
from transcript_core.c14n_subset import SubsetWriter
from transcript_core.canonical import parse_xml

_TEXTS = st.sampled_from(["", " a ", "&amp;&lt;&gt;&#13;", "ế", "<!--c-->", "<?pi d?>", "<?pj?>", "<![CDATA[<&]]>"])
_VALUES = st.sampled_from(["1", "a&amp;b", "&#10;&#13;&#9;&quot;&lt;", "é"])
_DECLARATIONS = st.fixed_dictionaries(
    {},
    optional={
        "xmlns:p": st.sampled_from(["urn:p", "urn:p2"]),
        "xmlns:q": st.sampled_from(["urn:q", "urn:q2"]),
        "xmlns": st.sampled_from(["", "urn:d", "urn:e"]),
    },
)
_ATTRIBUTES = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("x", "b", "p:y", "q:z", "xml:lang", "xml:space"), _VALUES)
)


@st.composite
def _elements(draw: st.DrawFn, children: st.SearchStrategy[str]) -> str:
    name = draw(st.sampled_from(["a", "b", "p:c", "q:d"]))
    names = {**draw(_DECLARATIONS), **draw(_ATTRIBUTES)}
    attributes = "".join(f' {name}="{value}"' for name, value in names.items())
    inside = "".join(draw(_TEXTS) + child for child in draw(st.lists(children, max_size=3)))
    return f"<{name}{attributes}>{inside}{draw(_TEXTS)}</{name}>"


_LEAVES = _elements(st.just(""))
_TREES = st.recursive(_LEAVES, _elements, max_leaves=12)


def _build(tree: str) -> etree._Element:
    return parse_xml(f'<?before?><!--x--><r xmlns:p="urn:p" xmlns:q="urn:q">{tree}</r><!--after-->'.encode())


@given(_TREES, st.sampled_from(C14nMethod))
def test_whole_documents_come_out_as_lxml_writes_them(tree: str, method: C14nMethod) -> None:
    root, octets = _build(tree), BytesIO()
    root.getroottree().write_c14n(octets, exclusive=method.exclusive, with_comments=method.with_comments)  # type: ignore[call-arg]
    assert canonicalize_document(root, method=method) == octets.getvalue()


@given(_TREES, st.lists(st.sampled_from(["p", "q", "r"]), max_size=2, unique=True))
def test_elements_come_out_as_lxml_writes_them_in_exclusive_form(tree: str, prefixes: list[str]) -> None:
    root = _build(tree)
    writer = SubsetWriter(exclusive=True, with_comments=True, prefixes=prefixes)
    for element in root.iter(etree.Element):
        expected = etree.tostring(
            element, method="c14n", exclusive=True, with_tail=False, inclusive_ns_prefixes=prefixes or None
        )
        assert writer.write_element(element) == expected
