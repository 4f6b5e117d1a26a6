#!/usr/bin/env bash
# A walk through the REST API with curl. docs/rest-api.md shows what it prints; a test runs it and compares.
#
#   API=http://127.0.0.1:8000/api TOKEN=... BANK=http://127.0.0.1:8801 docs/rest-api.sh
#
# TOKEN belongs to a user with the permissions of the page, BANK is where the simulators run, and the account
# "mollie" of the shop points there.
set -euo pipefail
: "${API:?where the API is}" "${TOKEN:?whose token}" "${BANK:?where the simulators are}"
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT

# call METHOD PATH KEY [BODY]: the answer goes to $room/body and $room/headers, its status to $status
call() {
    local words=(-sS -X "$1" "$API$2" -o "$room/body" -D "$room/headers" -w '%{http_code}')
    words+=(-H "Authorization: Token $TOKEN" -H "Content-Type: application/json")
    [ -z "$3" ] || words+=(-H "Idempotency-Key: $3")
    [ -z "${4:-}" ] || words+=(--data "$4")
    status=$(curl "${words[@]}")
}

# field NAME [FILE]: the first value of that name in a JSON answer
field() {
    { grep -oE "\"$1\": *(\"[^\"]*\"|[^],}]*)" "${2:-$room/body}" || true; } | head -n 1 | sed -E 's/^"[^"]*": *//; s/^"(.*)"$/\1/'
}

show() {
    printf '   %s' "$status"
    for name in "$@"; do printf ' %s=%s' "$name" "$(field "$name")"; done
    printf '\n'
}

new_key() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

order='{"currency": "EUR", "email": "ada@example.com", "name": "Ada", "total": 2495, "lines": [
    {"name": "Sencha", "sku": "TEA", "quantity": 2, "unit_price": 895, "vat_rate": "21"},
    {"name": "Small pot", "sku": "POT", "quantity": 1, "unit_price": 705, "vat_rate": "21"}]}'

echo "1. Create an order"
call POST /orders/ "$(new_key)" "$order"
show status total currency
reference=$(field reference)

echo "2. Start a payment: the buyer's browser goes to redirect_url"
call POST "/orders/$reference/payments/" "$(new_key)" '{"account": "mollie", "method": "ideal"}'
show
payment=$(field payment)
case $(field redirect_url) in "$BANK"/*) echo "   a page of the provider" ;; *) echo "   somewhere else" ;; esac

echo "3. The buyer pays there, and comes back"
curl -sS "$BANK/_control/mollie/payments" -o "$room/bank"
at_bank=$(grep -oE 'tr_[A-Za-z0-9]+' "$room/bank" | head -n 1)
curl -sS "$BANK/_control/mollie/payments/$at_bank/status" -o "$room/bank" \
    -H "Content-Type: application/json" --data '{"status": "paid"}'
curl -sS -o /dev/null "$(field redirectUrl "$room/bank")"

echo "4. Read the payment"
call GET "/payments/$payment/" ""
show status amount captured refunded

echo "5. Refund a part of it"
key=$(new_key)
call POST "/payments/$payment/refund/" "$key" '{"amount": 500, "reason": "a broken pot"}'
show kind status amount currency
move=$(field id)

echo "6. The answer was lost? Send it again under the same key"
call POST "/payments/$payment/refund/" "$key" '{"amount": 500, "reason": "a broken pot"}'
show kind status amount currency
grep -qi '^Idempotent-Replayed: true' "$room/headers" && [ "$(field id)" = "$move" ] && echo "   the same refund"

echo "7. The same key for something else"
call POST "/payments/$payment/refund/" "$key" '{"amount": 501, "reason": "a broken pot"}'
show code

echo "8. More than is left"
call POST "/payments/$payment/refund/" "$(new_key)" '{"amount": 2495}'
show code left

echo "9. Cancel another order"
call POST /orders/ "$(new_key)" "$order"
reference=$(field reference)
call POST "/orders/$reference/cancel/" "$(new_key)" '{"reason": "the buyer called"}'
show status
