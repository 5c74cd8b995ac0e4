"""ListBuckets, CreateBucket, HeadBucket, DeleteBucket, GetBucketLocation."""

from __future__ import annotations

from typing import Final

from s3api.call import Call
from s3api.declare import Subject, operation
from s3api.errors import S3Error, codes
from s3api.listing_terms import read_limit, read_token, write_token
from s3api.reader import read_document
from s3api.reply import Reply, empty_reply, no_content, xml_reply
from s3api.writer import write_document
from s3api.xml import HEADER, NAMESPACE, escape
from storage.errors import BucketExists
from storage.records import Bucket

MOST_BUCKETS: Final = 10_000  # a page
CLASSIC_REGION: Final = "us-east-1"
LEGACY_ALIASES: Final = {"EU": "eu-west-1"}


@operation("ListBuckets", allow="s3:ListAllMyBuckets", subject=Subject.ACCOUNT)
def list_buckets(call: Call) -> Reply:
    query = call.query
    limit = read_limit(query, "max-buckets", MOST_BUCKETS, least=1)
    prefix = query.get("prefix", "")
    after = read_token(query.get("continuation-token", ""))
    wanted = query.get("bucket-region", call.service.region)
    found: list[Bucket] = []
    if wanted == call.service.region:
        found = call.store.buckets.owned(
            call.principal.id, prefix=prefix, after=after, limit=limit + 1, named=call.service.names
        )
    page = found[:limit]
    members = {
        "Owner": {"ID": call.principal.id, "DisplayName": call.principal.name},
        "Buckets": [{"Name": bucket.name, "CreationDate": bucket.created} for bucket in page],
        "ContinuationToken": write_token(page[-1].name) if len(found) > limit else None,
        "Prefix": query.get("prefix"),
    }
    return xml_reply(write_document(call.operation, members))


@operation("CreateBucket", allow="s3:CreateBucket", subject=Subject.ACCOUNT, headers=frozenset())
def create_bucket(call: Call) -> Reply:
    name = call.request.bucket
    if not call.service.names(name):
        raise S3Error(codes.InvalidBucketName, BucketName=name)
    constraint = read_constraint(call)
    try:
        call.store.buckets.create(name, owner=call.principal.id, region=constraint)
    except BucketExists as error:
        if error.owner != call.principal.id:
            raise
        if call.service.region != CLASSIC_REGION:
            raise S3Error(codes.BucketAlreadyOwnedByYou, BucketName=name) from error
    return empty_reply([("Location", f"/{name}")])


def read_constraint(call: Call) -> str:
    """The LocationConstraint of the request, "" when it has none; it must be this node's region."""
    body = call.document()
    if not body:
        return ""
    shape = call.operation.input.member("CreateBucketConfiguration").shape
    configuration = read_document(body, "CreateBucketConfiguration", shape)
    if configuration.keys() - {"LocationConstraint"}:
        raise S3Error(codes.NotImplemented, "Only LocationConstraint is implemented of CreateBucketConfiguration")
    constraint: str = configuration.get("LocationConstraint", "")
    if LEGACY_ALIASES.get(constraint, constraint) not in ("", call.service.region):
        raise S3Error(codes.InvalidLocationConstraint, LocationConstraint=constraint)
    return constraint


@operation("HeadBucket", allow="s3:ListBucket")
def head_bucket(call: Call) -> Reply:
    return empty_reply([("x-amz-bucket-region", call.service.region)])


@operation("DeleteBucket", allow="s3:DeleteBucket")
def delete_bucket(call: Call) -> Reply:
    call.store.buckets.delete(call.bucket)
    return no_content()


@operation("GetBucketLocation", allow="s3:GetBucketLocation")
def get_bucket_location(call: Call) -> Reply:
    """The element has text instead of members, which the model cannot say."""
    region = call.bucket.region or call.service.region
    constraint = "" if region == CLASSIC_REGION else region
    document = f'{HEADER}<LocationConstraint xmlns="{NAMESPACE}">{escape(constraint)}</LocationConstraint>'
    return xml_reply(document.encode())
