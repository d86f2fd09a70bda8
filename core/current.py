"""The settings of the app that is running."""

from flask import Flask, current_app

from core.settings import Settings

EXTENSION = "settings"


def init_app(app: Flask, settings: Settings) -> None:
    app.extensions[EXTENSION] = settings


def settings() -> Settings:
    found: Settings = current_app.extensions[EXTENSION]
    return found
