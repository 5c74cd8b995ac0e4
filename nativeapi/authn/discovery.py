"""What others need to verify the node's tokens by themselves, as OpenID Connect has it."""

from __future__ import annotations

from nativeapi.authn.keys import ALGORITHM
from nativeapi.call import Call, Reply, json_reply
from nativeapi.native import Native, method_not_allowed


def configuration(native: Native, call: Call) -> Reply:
    """/.well-known/openid-configuration"""
    call.log("authn.OpenIdConfiguration")
    if call.method != "GET":
        return method_not_allowed(["GET"])
    issuer = call.origin()
    return json_reply(
        {
            "issuer": issuer,
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "response_types_supported": ["token"],
            "subject_types_supported": ["public"],
        }
    )


def key_set(native: Native, call: Call) -> Reply:
    """/.well-known/jwks.json"""
    call.log("authn.KeySet")
    if call.method != "GET":
        return method_not_allowed(["GET"])
    return json_reply({"keys": [native.authn.key.public()]})
