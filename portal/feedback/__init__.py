"""What customers say: the weekly pulse and the monthly survey by email, check-ins and reviews that operators hold."""
