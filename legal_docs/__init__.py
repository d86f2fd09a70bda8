"""PROMISES: the Terms, the Data Processing Agreement, the privacy policy and the sub-processors; who accepted what.

`documents` holds the texts and their versions, `acceptances` who accepted them, `register` the sub-processors,
`notices` the clocks that start when a mail left. `publishing` is what operators do. The portal shows all of it.
"""

from flask import Blueprint, Flask

from core.mail import register_attachment
from core.settings import Settings
from legal_docs import jobs
from legal_docs.acceptances.receipts import receipt_pdf_of
from legal_docs.acceptances.services import RECEIPT
from legal_docs.cli import legal_commands

__all__ = ["init_app", "jobs"]


def init_app(app: Flask, settings: Settings) -> None:  # noqa: ARG001  every room is called alike
    app.register_blueprint(Blueprint("legal_docs", __name__, template_folder="templates"))
    app.cli.add_command(legal_commands)
    register_attachment(RECEIPT, receipt_pdf_of)
