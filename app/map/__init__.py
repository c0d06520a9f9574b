"""The map: products, shoppers and reasons as points, drawn by hand so that 100,000 move smoothly."""
