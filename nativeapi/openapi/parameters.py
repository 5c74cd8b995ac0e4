"""The places in paths and the query parameters of the native API, each described once."""

from __future__ import annotations

from typing import Any, Final

TEXT: Final[dict[str, Any]] = {"type": "string"}
SWITCH: Final[dict[str, Any]] = {"type": "boolean"}
COUNT: Final[dict[str, Any]] = {"type": "integer", "minimum": 0}


def one_of(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


PATHS: Final = {
    "bucket": "The bucket's name.",
    "object": "The object's name, which may hold slashes.",
    "prefix": "Which objects are counted: those whose names begin so.",
    "etl": "The transform's name.",
    "target": "The target's id.",
    "provider": "A cloud provider.",
    "user": "The user's name.",
    "role": "The role's name.",
    "cluster": "The cluster's id or alias.",
}

PARAMETERS: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "provider": (TEXT, "The bucket's provider; ais when absent."),
    "namespace": (TEXT, "The bucket's namespace, `@uuid#name`."),
    "presence": (COUNT, "Which buckets or objects of remote providers are meant; those of this node are all present."),
    "uuid": (TEXT, "The id that the first reply gave."),
    "bsumm_remote": (SWITCH, "Ask for a summary of the bucket, too."),
    "props": (TEXT, "The properties to tell, separated by commas."),
    "etl_name": (TEXT, "The transform to read the object through."),
    "etl_args": (TEXT, "Arguments for the transform."),
    "etl_pipeline": (TEXT, "Further transforms, separated by commas."),
    "latest": (SWITCH, "Compare with the remote version first."),
    "archpath": (TEXT, "The member of the archive."),
    "archregx": (TEXT, "Which members of the archive."),
    "archmode": (one_of("regexp", "prefix", "suffix", "substr", "wdskey"), "How archregx selects."),
    "archmime": (TEXT, "The archive's format, where its name does not tell."),
    "coloc": (one_of("0", "1", "2"), "A hint about where the objects lie; there is one place only."),
    "object_to": (TEXT, "The object to make, `ais/@#/bucket/name`."),
    "append_type": (one_of("append", "flush"), "Append bytes, or make the object of them."),
    "append_handle": (TEXT, "What the call before gave."),
    "uploadId": (TEXT, "The upload."),
    "partNumber": ({"type": "integer", "minimum": 1}, "The part's number."),
    "skip_vc": (SWITCH, "Do not read the object that is replaced."),
    "set-new-custom": (SWITCH, "Replace all custom metadata instead of adding to it."),
    "severity": (one_of("info", "warning", "error"), "The least severity of the log's lines."),
    "offset": (COUNT, "Where in the log's file to begin; bytes."),
    "all": (SWITCH, "All files of the log, as a tar.gz."),
    "transient": (SWITCH, "Until the node's next start only."),
    "prr": (SWITCH, "Whether the primary is ready to rebalance."),
    "readiness": (SWITCH, "Whether the node is ready."),
    "cii": (SWITCH, "Tell versions of what the members agree on."),
}
