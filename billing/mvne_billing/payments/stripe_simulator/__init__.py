"""A simulated Stripe, mounted below the real Stripe SDK. No money moves; nothing leaves the process.

Simulated, and marked so: every object says `livemode: false`, every id contains `sim`, live keys are refused.

* Real: the SDK. Its serialisation, errors, paging and webhook signatures run; its parameter types check every
  request, and a test holds every answer against its resource classes.
* Simulated: products, prices, customers, payment methods, payment intents, charges, refunds, events; the documented
  test cards and test bank debits; idempotency keys, kept for a day; search that lags behind; notifications that come
  late, twice, out of order or never; failures on demand.
* Refused with a reason: a parameter or an address that Stripe has and the simulator does not act on. It ignores none.
* Not simulated: Checkout, SetupIntent, disputes, balance and payouts, fees, mandates, Radar, manual capture.
* Never verified: anything against Stripe itself. Run the contract tests with `STRIPE_SANDBOX_KEY` set to do so.

Begin with `simulator.SimulatedStripe`.
"""
