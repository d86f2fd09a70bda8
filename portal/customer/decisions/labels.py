"""Codes of reasons in words, for pages. A custom rule has none but its code, which its author chose."""

_OF_BUILT_IN = {
    "ok": "No reason to block",
    "contains_personal_data": "Personal data",
    "external_model_detected": "External model",
    "large_dataset": "Large dataset",
    "operation_denied": "Denied operation",
    "model_not_allowed": "Model not allowed",
    "unknown_operation": "Unknown operation",
    "catalogue_contradiction": "Contradicts the model catalogue",
    "fact_missing": "Required fact missing",
}


def reason_label(code: str) -> str:
    return _OF_BUILT_IN.get(code, code)
