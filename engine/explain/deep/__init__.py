"""Methods that go through the text and image encoders, down to words and pixels."""
