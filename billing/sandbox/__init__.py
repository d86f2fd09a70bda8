"""A stand-in for Stripe where no key is set, and never in production: the same client, another transport.

`transport` is an HTTP client of the SDK that answers from the objects in `store`; what it does is in `catalog`,
`customers`, `checkout`, `subscriptions` and `invoices`. `events` signs what happened and hands it to our real webhook,
and `views` are the pages that Stripe would show. It proves the way of money, and no sums, taxes or dunning.
"""
