// The pages work without it; what is here makes them quicker to use.
