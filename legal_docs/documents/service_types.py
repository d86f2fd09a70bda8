"""What a company does for us. Knows no database."""

from enum import StrEnum


class ServiceType(StrEnum):
    HOSTING = "hosting"
    DATABASE = "database"
    CACHE = "cache"
    BACKUPS = "backups"
    ERROR_REPORTS = "error_reports"
    PAYMENTS = "payments"
    EMAIL = "email"
    CHAT = "chat"
    MONITORING = "monitoring"
    OTHER = "other"


SERVICE_TYPES = {
    ServiceType.HOSTING: "Hosting",
    ServiceType.DATABASE: "Database",
    ServiceType.CACHE: "Cache",
    ServiceType.BACKUPS: "Backup storage",
    ServiceType.ERROR_REPORTS: "Error reports",
    ServiceType.PAYMENTS: "Payments",
    ServiceType.EMAIL: "Email",
    ServiceType.CHAT: "Chat",
    ServiceType.MONITORING: "Monitoring",
    ServiceType.OTHER: "Other",
}
