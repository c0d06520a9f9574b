"""The what-if studio: a product's page and a shopper's past as editors, with what becomes of rank and map."""
