"""AuthZEN Authorization API 1.0 (OpenID): checks as gateways and other enforcement points ask for them."""
