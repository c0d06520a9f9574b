"""Two explanations side by side: of two runs, epochs, shoppers, products or methods."""
