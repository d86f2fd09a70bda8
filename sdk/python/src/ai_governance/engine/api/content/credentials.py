# Made from api/content/credentials.py of the service by `python -m deploy.sdk_engine`; not to be changed by hand.
"""Secrets that carry their maker's mark: API keys, access tokens, signed tokens. Imports no database."""

import re

_MARKED = re.compile(
    r"""
    (?<![A-Za-z0-9]) (?:
      (?:AKIA|ASIA|ABIA|ACCA) [A-Z0-9]{16} (?![A-Za-z0-9])                                            # AWS
    | gh[oprsu]_ [A-Za-z0-9]{20} | github_pat_ \w{20}                                                 # GitHub
    | gl(?:agent|cbt|dt|ft|imt|pat|ptt|rt|soat)- (?=[\w\-]*\d|[\w\-]*[A-Z]) [\w\-]{16}                # GitLab
    | xox[a-z] [.\-] (?=[\w.\-]*\d) [\w.\-]{10} | xapp- \d- [\w\-]{10}                                # Slack
    | [prs]k_ (?:live|test) _ [A-Za-z0-9]{10} | whsec_ [A-Za-z0-9+/]{16}                              # Stripe
    | sk- (?=[A-Za-z0-9]*\d) [A-Za-z0-9]{20} | sk-ant- [a-z]{3,6} \d\d- | sk-or-v1- [0-9a-f]{16}
    | sk- (?:admin|proj|svcacct) - (?=[\w\-]*\d) (?=[\w\-]*[A-Z]) [\w\-]{16}                          # OpenAI and kin
    | AIza [\w\-]{30} | ya29\. [\w\-]{16} | GOCSPX- [\w\-]{16}                                        # Google
    | SG\. [\w\-]{16,} \. [\w\-]{16} | key- [0-9a-f]{32} (?![0-9a-f]) | (?:AC|SK) [0-9a-f]{32} (?![0-9a-f])
    | npm_ [A-Za-z0-9]{36} | pypi-Ag [\w\-]{16} | dckr_pat_ [\w\-]{16}
    | hf_ [A-Za-z]{30} | gsk_ [A-Za-z0-9]{30} | r8_ [A-Za-z0-9]{30} | pcsk_ \w{30}
    | (?:nvapi|pplx|xai) - (?=[\w\-]*\d) (?=[\w\-]*[A-Z]) [\w\-]{32}
    | do[opr]_v1_ [0-9a-f]{32} | dapi [0-9a-f]{32} | shp(?:at|ca|pa|ss)_ [0-9a-fA-F]{32}
    | lin_api_ [A-Za-z0-9]{30} | hv[bsr]\. [\w\-]{20} | ATATT3 [\w\-]{20} | sq0[a-z]{3}- [\w\-]{20}
    | aig_ (?:live|test) _ [A-Za-z0-9]{16}                                                            # ours
    | eyJ [\w\-]{8}                                                                                   # signed tokens
    )
    """,
    re.VERBOSE | re.ASCII,
)
_AWS_SECRET = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*[/+])[A-Za-z0-9/+]{40}")


def has_credential(token: str, *, may_be_id: bool) -> bool:
    """`may_be_id` where ids of any form are usual: there only a maker's mark tells."""
    return bool(_MARKED.search(token) or (not may_be_id and _AWS_SECRET.fullmatch(token)))
