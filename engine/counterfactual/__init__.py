"""The smallest change that moves a product out of a shopper's list, or into it, confirmed by ranking anew."""
