"""Reading XML by the model's shapes: strict, bounded, and nothing but S3Error comes out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3api.errors import S3Error
from s3api.model import OPERATIONS, Shape
from s3api.operations.deletion import read_doomed
from s3api.reader import BadValue, Members, parse_document, read_document, scalar, whole_number

NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def payload_of(name: str) -> tuple[str, Shape]:
    member = OPERATIONS[name].input.member(OPERATIONS[name].input.payload)
    return member.wire, member.shape


def read(name: str, body: str) -> Members:
    return read_document(body.encode(), *payload_of(name))


def refused(name: str, body: str) -> str:
    with pytest.raises(S3Error) as error:
        read(name, body)
    return error.value.code.name


def test_structure_with_lists_booleans_numbers_and_times() -> None:
    body = (
        f"<Delete {NAMESPACE}><Quiet> true </Quiet><Object><Key> a </Key><Size>7</Size></Object>"
        "<Object><Key>b</Key><LastModifiedTime>Sat, 01 Jan 2022 00:00:00 GMT</LastModifiedTime></Object></Delete>"
    )

    assert read("DeleteObjects", body) == {
        "Quiet": True,
        "Objects": [{"Key": " a ", "Size": 7}, {"Key": "b", "LastModifiedTime": 1_640_995_200_000_000_000}],
    }


def test_nested_lists_and_attributes() -> None:
    body = (
        '<AccessControlPolicy><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xsi:type="CanonicalUser"><ID>me</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList>'
        "</AccessControlPolicy>"
    )

    assert read("PutBucketAcl", body)["Grants"] == [
        {"Grantee": {"ID": "me", "Type": "CanonicalUser"}, "Permission": "READ"}
    ]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no XML",
        "<Delete>",
        "<Wrong><Object><Key>a</Key></Object></Wrong>",
        "<Delete/>",  # Objects is required
        "<Delete><Object/></Delete>",  # so is Key
        "<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>",
        "<Delete><Object><Key>a</Key></Object><Quiet>yes</Quiet></Delete>",
        "<Delete><Object><Key>a</Key><Size>1_000</Size></Object></Delete>",
        "<Delete><Object><Key>a</Key></Object><Other/></Delete>",
        "<Delete><Object><Key><b/></Key></Object></Delete>",
    ],
)
def test_document_that_does_not_fit_the_schema_is_malformed(body: str) -> None:
    assert refused("DeleteObjects", body) == "MalformedXML"


def test_value_outside_an_enumeration_is_malformed() -> None:
    body = "<VersioningConfiguration><Status>On</Status></VersioningConfiguration>"

    assert refused("PutBucketVersioning", body) == "MalformedXML"


BOMB = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {this} "{f"&{before};" * 10}">' for before, this in zip("abcdefghi", "bcdefghij")
) + "]>"


@pytest.mark.parametrize(
    "body",
    [
        BOMB + "<Delete><Object><Key>&j;</Key></Object></Delete>",
        BOMB + "<Delete><Object><Key>a</Key></Object></Delete>",
        '<!DOCTYPE d SYSTEM "file:///etc/passwd"><Delete><Object><Key>a</Key></Object></Delete>',
        '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&x;</Key></Object></Delete>',
        "<Delete>" + "<a>" * 10_000 + "</a>" * 10_000 + "</Delete>",
        "<Delete><Object><Key>&undefined;</Key></Object></Delete>",
    ],
    ids=["bomb", "unused bomb", "external DTD", "external entity", "depth", "undefined entity"],
)
def test_what_only_attackers_send_is_malformed(body: str) -> None:
    assert refused("DeleteObjects", body) == "MalformedXML"
    with pytest.raises(S3Error):
        read_doomed(body.encode())


def test_comments_and_instructions_say_nothing() -> None:
    body = "<Delete><!-- a --><?b c?><Object><Key>a<!-- inside -->b</Key></Object></Delete>"

    assert read("DeleteObjects", body) == {"Objects": [{"Key": "ab"}]}
    assert [doomed.key for doomed in read_doomed(body.encode())[0]] == ["ab"]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for attempt in (parse_document, read_doomed):
        try:
            attempt(body)
        except S3Error as error:
            assert error.code.name == "MalformedXML"


WORDS = ["Delete", "Object", "Key", "Quiet", "ETag", "Size", "VersionId", "LastModifiedTime", "Other", ""]
TREES = st.recursive(
    st.one_of(st.text(max_size=5), st.sampled_from(["1", "true", "<", "&", "&#0;", "]]>", "<!---->"])),
    lambda inner: st.tuples(st.sampled_from(WORDS), st.lists(inner, max_size=4)).map(
        lambda node: f"<{node[0]}>{''.join(node[1])}</{node[0]}>"
    ),
    max_leaves=20,
)


@given(TREES)
def test_any_elements_are_read_alike_by_hand_and_by_the_model(inner: str) -> None:
    body = f"<Delete><Object><Key>a</Key></Object>{inner}</Delete>".encode(errors="replace")
    try:
        read_doomed(body)
    except S3Error as by_hand:
        assert by_hand.code.name == "MalformedXML"
    else:
        read_document(body, *payload_of("DeleteObjects"))


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_a_bad_value(text: str) -> None:
    try:
        assert str(whole_number(text)).lstrip("-") in text
    except BadValue:
        assert not (text.isascii() and text.isdigit() and len(text) < 20)


@pytest.mark.parametrize("kind", ["string", "integer", "long", "boolean", "timestamp"])
@given(st.text(max_size=30))
def test_any_text_is_a_scalar_or_a_bad_value(kind: str, text: str) -> None:
    for form in ("iso8601", "rfc822"):
        try:
            scalar(text, Shape(kind), timestamp_format=form)
        except BadValue:
            assert kind != "string"
