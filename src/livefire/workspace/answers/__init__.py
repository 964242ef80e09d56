"""What the JSON interface answers, as types: each answer is made into one of these on its way out, and its document is written from them."""
