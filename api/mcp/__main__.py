"""`python -m api.mcp URL`: the server over pipes, for an agent on this machine; the key is in AIG_KEY."""

import asyncio
import os
import sys

from mcp.server.stdio import stdio_server

from api.mcp.server import Api, make_server


async def serve(url: str, key: str) -> None:
    server = make_server(Api(url, key=key))
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


def main() -> None:
    key = os.environ.get("AIG_KEY")
    if len(sys.argv) != 2 or not key:  # noqa: PLR2004  the program and one address
        raise SystemExit("Usage: AIG_KEY=aig_… python -m api.mcp https://governance.example.com")
    asyncio.run(serve(sys.argv[1], key))


if __name__ == "__main__":
    main()
