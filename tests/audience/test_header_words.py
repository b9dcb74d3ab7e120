"""Ordinary names of columns, as the exports of other programs have them."""

from __future__ import annotations

import pytest

from listrak_sms_cli.audience import ColumnChoices, FieldKind, ProfileField, plan_columns, unmatched_columns
from listrak_sms_cli.audience.header_words import means_mobile_phone, system_field_meant

SYSTEM = tuple(
    ProfileField(number, name, FieldKind.TEXT)
    for number, name in enumerate(("Email Address", "First Name", "Last Name", "Birthday", "Postal Code"), 1)
)
WORDS = {
    "Email Address": "E-mail|eMail|EMAIL|e_mail|Customer Email|PersonEmail|Contact: Email|E-Mail Address",
    "First Name": "First|FirstName|first-name|fn|fname|Given Name|Forename|billing_first_name",
    "Last Name": "Last|LastName|Surname|ln|lname|Family Name|Customer Last Name",
    "Birthday": "DOB|D.O.B.|dob|Date of Birth|date-of-birth|Birthdate|birth_date|PersonBirthdate|Bday",
    "Postal Code": "Zip|ZIP Code|ZIPCode|zip-code|Post Code|postcode|Default Address Zip|MailingPostalCode|"
    "Mailing Zip/Postal Code|Zip or Postal Code|billing_postcode|Zip5",
}
OTHERS = (
    "VIP|Name|Mail|SMS|Last Purchase|First Order|Last Visit|Email Opt In|Email 2|doby|Birth Year|Zip4|Shipping Zip|"
    "Accepts Email Marketing|Middle Name|Address|Company|Zipped|Firsts|phone"
)
MOBILE = "Mobile|Cell|Mobile Phone|MobilePhone|mobile_number|Cell Phone|Cell #|Cell No.|MSISDN|SMS Number|Client Cell"
NOT_MOBILE = (
    "Home Phone|HomePhone|Work Phone|Business Phone|Fax|Default Address Phone|Other Phone|billing_phone|tel|telephone|"
    "SMS|Mobile Opt In|Mobile Carrier|Phone Type|automobile|Cellar|Mobile Phone 2"
)
EXPORTS = {
    "Shopify": (
        "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,Default Address City,"
        "Default Address Zip,Default Address Phone,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note,Tags",
        "Phone",
        {"First_Name": 2, "Last_Name": 3, "Email": 1, "Default_Address_Zip": 5},
    ),
    "Klaviyo": (
        "Email,Klaviyo ID,First Name,Last Name,Organization,Title,Phone Number,Address,City,State / Region,Country,"
        "Zip Code,Source,Email Marketing Consent,SMS Marketing Consent,Last Active",
        "Phone_Number",
        {"Email": 1, "First_Name": 2, "Last_Name": 3, "Zip_Code": 5},
    ),
    "Salesforce": (
        "Id,FirstName,LastName,MobilePhone,HomePhone,AssistantPhone,Fax,Email,MailingCity,MailingPostalCode,"
        "OtherPostalCode,Birthdate",
        "MobilePhone",
        {"FirstName": 2, "LastName": 3, "Email": 1, "MailingPostalCode": 5, "Birthdate": 4},
    ),
    "Square": (
        "Reference ID,First Name,Surname,Email Address,Phone Number,Nickname,Company Name,Street Address 1,City,State,"
        "Postal Code,Birthday,Memo,First Visit,Last Visit,Email Subscription Status",
        "Phone_Number",
        {"First_Name": 2, "Surname": 3, "Email_Address": 1, "Postal_Code": 5, "Birthday": 4},
    ),
    "Meta": (
        "email,phone,madid,fn,ln,zip,ct,st,country,dob,doby,gen,age,uid,value",
        "phone",
        {"email": 1, "fn": 2, "ln": 3, "zip": 5, "dob": 4},
    ),
}


@pytest.mark.parametrize("field", WORDS)
def test_words_for_a_system_field(field: str) -> None:
    """Each spelling means its field, and no phone."""
    for name in WORDS[field].split("|"):
        assert (name, system_field_meant(name), means_mobile_phone(name)) == (name, field, False)


def test_words_for_a_mobile_phone() -> None:
    """A phone that gets messages; never one at home or at work, a fax, or what is said about a phone."""
    assert [name for name in MOBILE.split("|") if not means_mobile_phone(name)] == []
    assert [name for name in NOT_MOBILE.split("|") if means_mobile_phone(name)] == []


def test_words_that_mean_several_things() -> None:
    """A name that only holds such a word, or may mean something else, means no field."""
    assert [name for name in (OTHERS + "|" + MOBILE).split("|") if system_field_meant(name)] == []


@pytest.mark.parametrize("program", EXPORTS)
def test_exports(program: str) -> None:
    """The headers of other programs find the phone and the system fields, and nothing else."""
    header, phone, found = EXPORTS[program]
    columns = header.split(",")
    plan = plan_columns(columns, SYSTEM, ColumnChoices(skip_unmatched=True))
    assert plan.header[plan.phone] == phone
    assert {column.name: column.field.id for column in plan.columns} == found
    assert set(unmatched_columns(columns, SYSTEM, ColumnChoices())) == set(plan.skipped)
