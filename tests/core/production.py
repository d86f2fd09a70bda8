"""An environment on which the service runs in production, with nothing to put right and nothing to wonder about."""

GOOD = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "f3b1c07d94ae5286e1d7f04b6c98a235be60f7194dc3a82175ee0b96d48c3f1a",
    "DATABASE_URL": "postgresql://aig:kX93vQpL0zRt72@ep-calm-sea-1.eu-central-1.aws.neon.tech/aig"
    "?sslmode=verify-full&sslrootcert=system",
    "DATABASE_WEB_URL": "postgresql://aig_web:Vq63tYbN8mKz51@ep-calm-sea-1.eu-central-1.aws.neon.tech/aig"
    "?sslmode=verify-full&sslrootcert=system",
    "REDIS_URL": "rediss://aig:Wm48sPq1LdZx09@redis-1.c1.eu-central-1-1.ec2.redns.redis-cloud.com:12345/0",
    "DATA_DIR": "/data",
    "PUBLIC_URL": "https://governance.acme-pilot.eu",
    "TRUSTED_PROXY_HOPS": "1",
    "CORS_ORIGINS": "https://app.acme-pilot.eu, https://intranet.acme-pilot.eu:8443",
    "METRICS_TOKEN": "9d1f6b3c5e7a2048d1c3b5a7e9f02468",
    "SENTRY_DSN": "https://9f0e1d2c3b4a5968@o4501.ingest.de.sentry.io/4502",
    "STRIPE_API_KEY": "sk_live_51HqLyjWDarjtT1zdp7dc",
    "STRIPE_WEBHOOK_SECRET": "whsec_8c1Jp0xQv7Lr2ZtY5nKd3WbE",
    "SMTP_URL": "smtps://aig:Rk27vTqZ91bXw0@mail.acme-pilot.eu:465",
    "MAIL_FROM": "AI Governance <no-reply@acme-pilot.eu>",
    "BREACHED_PASSWORDS_URL": "https://passwords.acme-pilot.eu/range/",
    "BACKUP_KEY": "AGE-SECRET-KEY-1QZPRY9X8GF2TVDW0S3JN54KHCE6MUA7LQZPRY9X8GF2TVDW0S3JN54KHC",
    "BACKUP_URL": "s3://acme-pilot-backups/ai-governance",
    "PROVIDER_NAME": "Acme Pilot Ltd",
    "PROVIDER_ADDRESS": "1 Quay Street, Dublin, Ireland",
    "PROVIDER_REGISTRATION": "CRO 123456",
    "PROVIDER_SIGNATORY": "Nora Byrne, Director",
    "GOVERNING_LAW": "Ireland",
    "COURTS": "Dublin, Ireland",
    "SUPPORT_EMAIL": "support@acme-pilot.eu",
    "LEGAL_EMAIL": "legal@acme-pilot.eu",
    "PRIVACY_EMAIL": "privacy@acme-pilot.eu",
    "SECURITY_EMAIL": "security@acme-pilot.eu",
}
