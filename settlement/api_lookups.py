"""The compatible wire: looking up account holders and businesses."""

from django.utils.translation import gettext as _

from access.api import ApiRequest, PlatformView
from access.roles import ApiScope
from access.wire import without_absent
from core import clock
from settlement.api import Shape
from settlement.lookups import Business
from settlement.operations import lookups_ops

_MOST = 100


class AccountHolder(PlatformView):
    """GET /bank-accounts/{bank}/{accountNumber}/holder."""

    def get(self, request: ApiRequest, bank: str, number: str) -> Shape:
        """Return the holder and the id under which the answer may be used. NOT_SUPPORTED_BANK, EXTERNAL_API_FAILED."""
        if request.query.has("birthdate") and request.query.has("businessRegistrationNumber"):
            raise request.query.wrong("birthdate", _("birthdate와 businessRegistrationNumber 중 하나만 보내 주세요."))
        holder, verification_id = lookups_ops.account_holder(
            scope=request.scope, now=clock.now(), bank=bank, number=number
        )
        return {"holderName": holder, "accountVerificationId": verification_id}


class CompanyState(PlatformView):
    """GET /companies/{businessRegistrationNumber}/state."""

    def get(self, request: ApiRequest, number: str) -> Shape:
        """Return how a business is taxed and whether it is in business. COMPANY_NOT_FOUND, EXTERNAL_API_FAILED."""
        found = lookups_ops.company(scope=request.scope, now=clock.now(), number=number)
        state = _state(found.business) if found.business else {}
        return {"companyState": state, "companyVerificationId": found.verification_id}


class BusinessInfos(PlatformView):
    """POST /b2b/companies/business-info."""

    # It goes over the network, which no transaction may wait for, and changes nothing but its own notes.
    acts = False
    scope_needed = ApiScope.READ

    def post(self, request: ApiRequest) -> Shape:
        """Return what is known about businesses. B2B_NOT_ENABLED, B2B_EXTERNAL_SERVICE."""
        if not request.fields.has("brnList"):
            raise request.fields.wrong("brnList", _("필수 값이에요."))
        numbers = request.fields.texts("brnList", most=_MOST, longest=20)
        found = lookups_ops.companies(scope=request.scope, now=clock.now(), numbers=numbers)
        return {"result": [_result(one) for one in found]}


def _state(business: Business) -> Shape:
    return without_absent(
        {
            "taxationType": business.taxation_type,
            "taxationTypeDate": business.taxation_since.isoformat() if business.taxation_since else None,
            "businessStatus": business.status,
            "closedSuspendedDate": business.closed_on.isoformat() if business.closed_on else None,
        }
    )


def _result(found: lookups_ops.Found) -> Shape:
    if found.business is None:
        return {"brn": found.number, "error": "NOT_FOUND"}
    return {"brn": found.number, "businessInfo": _info(found.business), "verificationId": found.verification_id}


def _info(business: Business) -> Shape:
    since, closed = business.taxation_since, business.closed_on
    return without_absent(
        {
            "brn": business.number,
            "name": business.name,
            "ceoName": business.representative,
            "zipCode": business.zip_code,
            "address": business.address,
            "businessEntityType": business.entity_type,
            "businessStatus": business.status,
            "taxationType": business.taxation_type,
            "simplifiedTaxationTypeDate": since.isoformat() if since else None,
            "closingDate": closed.isoformat() if closed else None,
            "openingDate": business.opened_on.isoformat() if business.opened_on else "",
            "businessType": business.business_type,
            "businessClass": business.business_class,
            "businessCategoryCode": business.category_code,
        }
    )
