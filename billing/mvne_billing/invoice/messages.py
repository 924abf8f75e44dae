"""The words of an invoice, in every language that invoices are written in."""

from __future__ import annotations

from collections.abc import Mapping

#: The language of whoever reads none of the others.
FALLBACK = "en"

#: Language -> message -> text. `{…}` is filled in; every language has every message with the same gaps.
MESSAGES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "invoice": "Invoice",
        "credit_note": "Credit note",
        "number": "Number",
        "date": "Date",
        "customer": "Customer",
        "subscription": "Subscription",
        "from": "From",
        "to": "To",
        "labelled": "{name}: {value}",
        "corrects": "This credit note takes back invoice {number} in full.",
        "lines": "What this invoice is for",
        "credited_lines": "What this credit note takes back",
        "item": "Item",
        "period": "Period",
        "quantity": "Quantity",
        "amount": "Amount",
        "amount_with_tax": "Amount incl. tax",
        "amount_without_tax": "Amount excl. tax",
        "recurring": "{name} plan",
        "promotion": "Promotion {name}",
        "fee": "{name}",
        "addon": "Add-on {name}",
        "voice": "Calls",
        "sms": "Messages",
        "data": "Mobile data",
        "correction": "Correction of invoice {number}: {name}",
        "correction_of_none": "Correction: {name}",
        "unused": "Not used: {name}",
        "credit": "Invoice {number}",
        "span": "{start} to {end}",
        "taxes": "Taxes and total",
        "net": "Total excluding tax",
        "tax": "{name} at {percent} of {base}",
        "fixed_tax": "{name}",
        "total": "Total including tax",
        "prices_with_tax": "The amounts of the items include tax.",
        "prices_without_tax": "The amounts of the items do not include tax; it is added below them.",
        "paid": "Paid by card on {date}. Thank you.",
        "to_be_paid": "This amount will be collected from your payment card.",
        "refunded": "Refunded to your payment card on {date}.",
        "to_be_refunded": "This amount will be refunded to your payment card if you have paid it.",
        "nothing_to_pay": "There is nothing to pay.",
        "contact": "A question about this document: {contact}",
    },
    "fr": {
        "invoice": "Facture",
        "credit_note": "Avoir",
        "number": "Numéro",
        "date": "Date",
        "customer": "Client",
        "subscription": "Abonnement",
        "from": "De",
        "to": "À",
        "labelled": "{name} : {value}",
        "corrects": "Cet avoir annule intégralement la facture {number}.",
        "lines": "Détail de la facture",
        "credited_lines": "Détail de l’avoir",
        "item": "Désignation",
        "period": "Période",
        "quantity": "Quantité",
        "amount": "Montant",
        "amount_with_tax": "Montant TTC",
        "amount_without_tax": "Montant HT",
        "recurring": "Forfait {name}",
        "promotion": "Promotion {name}",
        "fee": "{name}",
        "addon": "Option {name}",
        "voice": "Appels",
        "sms": "SMS",
        "data": "Données mobiles",
        "correction": "Correction de la facture {number} : {name}",
        "correction_of_none": "Correction : {name}",
        "unused": "Non consommé : {name}",
        "credit": "Facture {number}",
        "span": "du {start} au {end}",
        "taxes": "Taxes et total",
        "net": "Total hors taxes",
        "tax": "{name} à {percent} sur {base}",
        "fixed_tax": "{name}",
        "total": "Total toutes taxes comprises",
        "prices_with_tax": "Les montants du détail s’entendent toutes taxes comprises.",
        "prices_without_tax": "Les montants du détail s’entendent hors taxes ; celles-ci s’y ajoutent.",
        "paid": "Payé par carte le {date}. Merci.",
        "to_be_paid": "Ce montant sera prélevé sur votre carte de paiement.",
        "refunded": "Remboursé sur votre carte de paiement le {date}.",
        "to_be_refunded": "Ce montant sera remboursé sur votre carte de paiement si vous l’avez réglé.",
        "nothing_to_pay": "Il n’y a rien à payer.",
        "contact": "Une question sur ce document : {contact}",
    },
}


def written_in(language: str) -> str:
    """Return the language that a document for a reader of `language` (`fr`, `fr-CA`, `en_US`) is written in.

    >>> [written_in(language) for language in ("fr-CA", "EN", "de")]
    ['fr', 'en', 'en']
    """
    spoken = language.replace("_", "-").partition("-")[0].lower()
    return spoken if spoken in MESSAGES else FALLBACK
