# Made from api/content/pii_kinds.py of the service by `python -m deploy.sdk_engine`; not to be changed by hand.
"""The kinds of personal data that `pii_types` may name: ours, and those of the detectors in common use."""

import re

_KINDS = """
person name first_name last_name full_name middle_name maiden_name username user_name login nickname alias signature
email email_address phone phone_number mobile mobile_number fax fax_number contact contact_data contact_details
address postal_address street_address street city state country zip zip_code postal_code postcode location gps
geolocation coordinates location_data date_of_birth dob birthday birth_date birthdate birthplace place_of_birth age
gender sex nationality citizenship marital_status family language iban iban_code bic swift swift_code bank
bank_account bank_account_number account account_number us_bank_number bank_routing us_bank_routing routing_number
sort_code bank_details card card_number credit_card credit_card_number credit_debit_number credit_debit_cvv
credit_debit_expiry debit_card payment_card cvv card_expiry pin payment payment_data crypto crypto_wallet
wallet_address financial financial_data income salary tax tax_id tax_number tin vat_number credit_score ssn us_ssn
sin nin social_security social_security_number social_insurance_number insurance_number national_id
national_identification_number national_insurance_number id_number identity_card id_card identification
government_id passport passport_number us_passport driver_license driver_licence driver_id drivers_license
driving_licence us_driver_license license_number licence_plate license_plate vehicle vehicle_id vin
vehicle_identification_number residence_permit visa us_itin itin us_individual_tax_identification_number uk_nhs
nhs_number uk_national_insurance_number uk_nino nino uk_unique_taxpayer_reference_number ca_social_insurance_number
ca_health_number in_aadhaar aadhaar in_pan pan in_nrega in_voter_number in_permanent_account_number au_abn au_acn
au_tfn au_medicare sg_nric_fin nric es_nif es_nie nif nie dni it_fiscal_code it_driver_license it_vat_code
it_passport it_identity_card codice_fiscale fiscal_code pl_pesel pesel fi_personal_identity_code personnummer cpr
bsn cpf cnpj nir ahv steuer_id kr_rrn curp health health_data health_insurance health_insurance_number medical
medical_data medical_record medical_record_number mrn medical_license diagnosis medication treatment prescription
patient patient_id phi genetic genetic_data dna biometric biometric_data fingerprint face facial_image photo image
video voice voice_recording iris blood_type disability religion religious_belief belief ethnicity ethnic_origin race
racial_origin nrp political political_opinion trade_union trade_union_membership union_membership sexual_orientation
sex_life criminal criminal_record conviction special_category sensitive ip ip_address ipv4 ipv6 mac mac_address imei
imsi device device_id advertising_id cookie cookie_id session_id user_agent browser_data online_identifier url
domain domain_name social_media social_media_handle account_id user_id employee_id employee employment occupation
job job_title employer education qualification student_id student customer customer_id customer_number member_id
membership_number organization company contract_number order_number invoice_number password credentials credential
secret api_key token access_key aws_access_key aws_secret_key private_key security_question date date_time datetime
time behavior behaviour browsing_history purchase_history usage_data communication correspondence child children
minor other none unknown identifier pseudonym quasi_identifier custom
"""
KINDS = tuple(sorted(set(_KINDS.split())))
_SEPARATORS = re.compile(r"[._:/+\-]")


def normal_kind(kind: str) -> str:
    """The form in which kinds are compared, so that a rule against `email_address` sees `EMAIL-ADDRESS`."""
    return _SEPARATORS.sub("", kind).casefold().removesuffix("s")


_NORMAL = frozenset(map(normal_kind, KINDS))


def is_kind(token: str) -> bool:
    """Whether the token names a kind of personal data, whatever its case and separators."""
    return normal_kind(token) in _NORMAL
