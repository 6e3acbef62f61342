"""What every scheme needs between computing and the result: agreeing whom to count, opening."""
