"""Messages as Shopify and Stripe document them, shortened only where lists repeat, and signed."""

import hmac
import json
from base64 import b64encode
from hashlib import sha256
from typing import Any

SHOPIFY_SECRET = "hush-shopify"
STRIPE_SECRET = "whsec_hush-stripe"

SHOPIFY_ORDER: dict[str, Any] = {
    "id": 820982911946154508,
    "admin_graphql_api_id": "gid://shopify/Order/820982911946154508",
    "app_id": None,
    "browser_ip": None,
    "buyer_accepts_marketing": True,
    "cancel_reason": None,
    "cancelled_at": None,
    "checkout_id": None,
    "confirmed": False,
    "contact_email": "jon@example.com",
    "created_at": "2026-02-24T14:46:45-05:00",
    "currency": "USD",
    "current_subtotal_price": "398.00",
    "current_total_discounts": "20.00",
    "current_total_price": "398.00",
    "current_total_tax": "0.00",
    "customer_locale": "en",
    "discount_codes": [{"code": "SPRING", "amount": "20.00", "type": "fixed_amount"}],
    "email": "Jon@example.com",
    "financial_status": "voided",
    "fulfillment_status": None,
    "name": "#9999",
    "note": None,
    "note_attributes": [],
    "number": 234,
    "order_number": 1234,
    "order_status_url": "https://jsmith.myshopify.com/548380009/orders/123456abcd/authenticate",
    "phone": None,
    "presentment_currency": "USD",
    "processed_at": "2026-02-24T14:43:36-05:00",
    "subtotal_price": "388.00",
    "tags": "tag1, tag2",
    "tax_lines": [],
    "taxes_included": False,
    "test": True,
    "total_discounts": "20.00",
    "total_line_items_price": "398.00",
    "total_price": "388.00",
    "total_price_set": {
        "shop_money": {"amount": "388.00", "currency_code": "USD"},
        "presentment_money": {"amount": "388.00", "currency_code": "USD"},
    },
    "total_tax": "0.00",
    "total_weight": 0,
    "user_id": None,
    "customer": {
        "id": 115310627314723954,
        "email": "john@example.com",
        "created_at": None,
        "first_name": "John",
        "last_name": "Smith",
        "state": "disabled",
        "verified_email": True,
        "currency": "USD",
        "default_address": {"id": 715243470612851245, "city": "Ottawa", "country_code": "CA"},
    },
    "line_items": [
        {
            "id": 866550311766439020,
            "admin_graphql_api_id": "gid://shopify/LineItem/866550311766439020",
            "fulfillable_quantity": 1,
            "gift_card": False,
            "grams": 567,
            "name": "IPod Nano - 8GB",
            "price": "199.00",
            "product_exists": True,
            "product_id": 632910392,
            "quantity": 1,
            "sku": "IPOD2008PINK",
            "taxable": True,
            "title": "IPod Nano - 8GB",
            "total_discount": "0.00",
            "variant_id": 808950810,
            "variant_title": None,
            "vendor": None,
            "tax_lines": [],
        },
        {
            "id": 141249953214522974,
            "fulfillable_quantity": 1,
            "name": "IPod Nano - 8GB",
            "price": "199.00",
            "product_id": 632910392,
            "quantity": 1,
            "sku": "IPOD2008PINK",
            "title": "IPod Nano - 8GB",
            "total_discount": "20.00",
            "variant_id": 808950810,
            "variant_title": "Pink",
            "vendor": "Apple",
        },
    ],
    "shipping_lines": [],
}

STRIPE_CHECKOUT: dict[str, Any] = {
    "id": "evt_1PqVn2LkdIwHu7ixtest0001",
    "object": "event",
    "api_version": "2025-03-31.basil",
    "created": 1772366400,
    "data": {
        "object": {
            "id": "cs_test_a1b2c3d4e5f6",
            "object": "checkout.session",
            "amount_subtotal": 2198,
            "amount_total": 2198,
            "client_reference_id": "ada",
            "created": 1772366300,
            "currency": "eur",
            "customer": "cus_Qi1234567890",
            "customer_details": {
                "address": {"city": None, "country": "DE", "line1": None, "postal_code": "10115"},
                "email": "ada@example.org",
                "name": "Ada Lovelace",
                "phone": None,
                "tax_exempt": "none",
                "tax_ids": [],
            },
            "livemode": False,
            "metadata": {},
            "mode": "payment",
            "payment_intent": "pi_3PqVmxLkdIwHu7ix0test",
            "payment_method_types": ["card"],
            "payment_status": "paid",
            "status": "complete",
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 351},
        }
    },
    "livemode": False,
    "pending_webhooks": 1,
    "request": {"id": None, "idempotency_key": None},
    "type": "checkout.session.completed",
}


def shopify(
    message: Any = None, *, topic: str = "orders/create", secret: str = SHOPIFY_SECRET
) -> dict[str, Any]:
    """Give body and headers of a signed message of Shopify."""
    body = message if isinstance(message, bytes) else json.dumps(message or SHOPIFY_ORDER).encode()
    signature = b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    headers = {
        "content-type": "application/json",
        "x-shopify-topic": topic,
        "x-shopify-shop-domain": "jsmith.myshopify.com",
        "x-shopify-hmac-sha256": signature,
        "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
    }
    return {"body": body, "headers": headers}


def stripe(message: Any, now_ms: int, *, secret: str = STRIPE_SECRET) -> dict[str, Any]:
    """Give body and headers of a signed message of Stripe."""
    body = json.dumps(message).encode()
    at = str(now_ms // 1_000)
    signature = hmac.new(secret.encode(), at.encode() + b"." + body, sha256).hexdigest()
    return {"body": body, "headers": {"stripe-signature": f"t={at},v1={signature}"}}
