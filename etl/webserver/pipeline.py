"""Where a result goes: the stages that follow, as the header `Ais-Node-Url` lists them."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from etl.webserver.errors import InvalidPipeline

NODE_URL = "Ais-Node-Url"
ETL_ARGS = "etl_args"


def parse_etl_pipeline(pipeline: str) -> tuple[str, str]:
    """The next stage, and the list of those after it; both are "" when the result goes back to who has asked."""
    if not pipeline.strip():
        return "", ""
    stages = [stage.strip() for stage in pipeline.split(",")]
    if not all(stages):
        raise InvalidPipeline("Pipeline header contains empty entry")
    return stages[0], ",".join(stages[1:])


def compose_etl_direct_put_url(direct_put_url: str, host_target: str, obj_path: str, etl_args: str = "") -> str:
    """Where the result of the object `obj_path` (decoded) is put.

    An address with a path is the node's: the path goes below that of `host_target`, which holds this server's secret.
    One without is another stage's, which knows the object by its path. Arguments go on to every stage.
    """
    stage, target = urlsplit(direct_put_url), urlsplit(host_target)
    path = target.path + stage.path if stage.path else "/" + quote(obj_path, safe="/@")
    query = stage.query
    if etl_args:
        others = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != ETL_ARGS]
        query = urlencode([*others, (ETL_ARGS, etl_args)])
    return f"{target.scheme}://{stage.netloc}{path}" + (f"?{query}" if query else "")
