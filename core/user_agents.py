"""Browsers by the names that people know them by."""

_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "Chrome/": "Chrome",
    "CriOS/": "Chrome",
    "Safari/": "Safari",
}
"""In this order: Edge and Opera call themselves Chrome as well, and all of them Safari."""
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}
"""In this order: iPhones claim to be a Mac, and Android claims to be Linux."""
_LONGEST = 160


def browser_name(user_agent: str | None) -> str:
    """Such as "Firefox on Windows"; a header that names no known browser is shown as it was sent."""
    if not user_agent:
        return "Unknown browser"
    browser = next((name for part, name in _BROWSERS.items() if part in user_agent), None)
    system = next((name for part, name in _SYSTEMS.items() if part in user_agent), None)
    if browser is None:
        return user_agent[:_LONGEST]
    return f"{browser} on {system}" if system else browser
