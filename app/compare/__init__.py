"""The Compare view: two runs, epochs, shoppers, products or methods side by side."""
