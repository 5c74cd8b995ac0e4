"""What S3 answers when it refuses: one table of codes, one exception, one renderer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from s3api.xml import HEADER, escape_legibly


@dataclass(frozen=True, slots=True)
class Code:
    """An error code: its HTTP status and the message that goes with it unless the error says more."""

    status: int
    message: str
    name: str = ""  # set by the attribute that holds it

    def __set_name__(self, owner: type, name: str) -> None:
        object.__setattr__(self, "name", name)


class codes:
    """Every error code that this server sends, with Amazon's words."""

    AccessControlListNotSupported = Code(400, "The bucket does not allow ACLs")
    AccessDenied = Code(403, "Access Denied")
    AuthorizationHeaderMalformed = Code(400, "The authorization header you provided is invalid.")
    AuthorizationQueryParametersError = Code(400, "The authorization query parameters that you provided are not valid.")
    BadDigest = Code(
        400, "The Content-MD5 or checksum value that you specified did not match what the server received."
    )
    BadRequest = Code(400, "An error occurred when parsing the HTTP request.")
    BucketAlreadyExists = Code(
        409,
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
        "Select a different name and try again.",
    )
    BucketAlreadyOwnedByYou = Code(
        409, "Your previous request to create the named bucket succeeded and you already own it."
    )
    BucketNotEmpty = Code(409, "The bucket you tried to delete is not empty")
    ConditionalRequestConflict = Code(
        409, "The conditional request cannot succeed due to a conflicting operation against this resource."
    )
    CredentialsNotSupported = Code(400, "This request does not support credentials.")
    EntityTooLarge = Code(400, "Your proposed upload exceeds the maximum allowed object size.")
    EntityTooSmall = Code(400, "Your proposed upload is smaller than the minimum allowed size")
    ExpiredToken = Code(400, "The provided token has expired.")
    IllegalLocationConstraintException = Code(
        400,
        "The unspecified location constraint is incompatible for the region specific endpoint this request was sent "
        "to.",
    )
    IncompleteBody = Code(400, "You did not provide the number of bytes specified by the Content-Length HTTP header")
    InternalError = Code(500, "We encountered an internal error. Please try again.")
    InvalidAccessKeyId = Code(403, "The AWS Access Key Id you provided does not exist in our records.")
    InvalidArgument = Code(400, "Invalid Argument")
    InvalidBucketAclWithObjectOwnership = Code(
        400, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
    )
    InvalidBucketName = Code(400, "The specified bucket is not valid.")
    InvalidChunkSizeError = Code(403, "Only the last chunk is allowed to have a size less than 8192 bytes")
    InvalidDigest = Code(400, "The Content-MD5 or checksum value that you specified is not valid.")
    InvalidLocationConstraint = Code(400, "The specified location-constraint is not valid")
    InvalidPart = Code(
        400,
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified "
        "entity tag may not match the part's entity tag.",
    )
    InvalidPartOrder = Code(
        400, "The list of parts was not in ascending order. Parts must be ordered by part number."
    )
    InvalidRange = Code(416, "The requested range is not satisfiable")
    InvalidRequest = Code(400, "Invalid Request")
    InvalidSecurity = Code(403, "The provided security credentials are not valid.")
    InvalidStorageClass = Code(400, "The storage class you specified is not valid")
    InvalidTag = Code(
        400, "The tag provided was not a valid tag. This error can occur if the tag did not pass input validation."
    )
    InvalidToken = Code(400, "The provided token is malformed or otherwise invalid.")
    InvalidURI = Code(400, "Couldn't parse the specified URI.")
    InvalidWriteOffset = Code(400, "The write offset value that you specified does not match the current object size.")
    KeyTooLongError = Code(400, "Your key is too long")
    MalformedTrailerError = Code(
        400,
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
    )
    MalformedXML = Code(
        400, "The XML you provided was not well-formed or did not validate against our published schema"
    )
    MaxMessageLengthExceeded = Code(400, "Your request was too big.")
    MetadataTooLarge = Code(400, "Your metadata headers exceed the maximum allowed metadata size")
    MethodNotAllowed = Code(405, "The specified method is not allowed against this resource.")
    MissingContentLength = Code(411, "You must provide the Content-Length HTTP header.")
    MissingSecurityHeader = Code(400, "Your request is missing a required header")
    NoSuchBucket = Code(404, "The specified bucket does not exist")
    NoSuchKey = Code(404, "The specified key does not exist.")
    NoSuchTransform = Code(404, "The specified transform does not exist or is not running.")
    NoSuchUpload = Code(
        404,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
        "completed.",
    )
    NoSuchVersion = Code(404, "The specified version does not exist.")
    NotImplemented = Code(501, "A header you provided implies functionality that is not implemented")
    NotModified = Code(304, "Not Modified")
    OperationAborted = Code(
        409, "A conflicting conditional operation is currently in progress against this resource. Please try again."
    )
    PreconditionFailed = Code(412, "At least one of the pre-conditions you specified did not hold")
    RequestTimeTooSkewed = Code(403, "The difference between the request time and the current time is too large.")
    RequestTimeout = Code(
        400, "Your socket connection to the server was not read from or written to within the timeout period."
    )
    ServiceUnavailable = Code(503, "Service is unable to handle request.")
    SignatureDoesNotMatch = Code(
        403,
        "The request signature we calculated does not match the signature you provided. Check your key and signing "
        "method.",
    )
    SlowDown = Code(503, "Please reduce your request rate.")
    StorageFull = Code(507, "There is no room left on the volume for this write.")
    TransformFailed = Code(500, "The transform failed.")
    TransformTimeout = Code(400, "The transform did not finish in time.")  # not 504: SDKs would wait as long again
    XAmzContentSHA256Mismatch = Code(
        400, "The provided 'x-amz-content-sha256' header does not match what was computed."
    )


CODES: Mapping[str, Code] = {name: code for name, code in vars(codes).items() if isinstance(code, Code)}


class S3Error(Exception):
    """A refusal as S3 words it. `details` are further elements of the body, named as S3 names them, in order."""

    def __init__(
        self,
        code: Code,
        message: str | None = None,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        **details: object,
    ) -> None:
        super().__init__(code.name, message or code.message, details)
        self.code = code
        self.message = message or code.message
        self.headers = headers
        self.details = details


def render(error: S3Error, *, resource: str, request_id: str, host_id: str) -> bytes:
    """The XML body; the details come between the message and the resource."""
    details = "".join(f"<{name}>{escape_legibly(str(value))}</{name}>" for name, value in error.details.items())
    return (
        f"{HEADER}<Error><Code>{error.code.name}</Code><Message>{escape_legibly(error.message)}</Message>{details}"
        f"<Resource>{escape_legibly(resource)}</Resource><RequestId>{request_id}</RequestId>"
        f"<HostId>{host_id}</HostId></Error>"
    ).encode()
