"""Opens a manifest as an editor does, with pygls as the client, and prints what the server says.

    client.py PROGRAM MANIFEST
"""

import asyncio
import json
import sys
from pathlib import Path

from lsprotocol import types
from pygls.lsp.client import LanguageClient


async def main(program, manifest):
    client = LanguageClient("editor", "1")
    published = asyncio.get_running_loop().create_future()

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def on_diagnostics(params):
        if not published.done():
            published.set_result(params.diagnostics)

    await client.start_io(program, "lsp")
    uri = manifest.as_uri()
    server = await client.initialize_async(
        types.InitializeParams(capabilities=types.ClientCapabilities(), root_uri=manifest.parent.as_uri())
    )
    client.initialized(types.InitializedParams())
    client.text_document_did_open(
        types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "yaml", 1, manifest.read_text()))
    )
    diagnostics = await asyncio.wait_for(published, 60)
    first = diagnostics[0]
    document = types.TextDocumentIdentifier(uri)
    hover = await client.text_document_hover_async(types.HoverParams(document, first.range.start))
    actions = await client.text_document_code_action_async(
        types.CodeActionParams(document, first.range, types.CodeActionContext(diagnostics=diagnostics))
    )
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()
    print(
        json.dumps(
            {
                "server": server.server_info.name,
                "diagnostics": [one.code for one in diagnostics],
                "hover": hover.contents.value,
                "actions": [one.title for one in actions],
            }
        )
    )


asyncio.run(main(sys.argv[1], Path(sys.argv[2]).resolve()))
