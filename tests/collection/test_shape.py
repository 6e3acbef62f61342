"""Shapes: whether reports need an invitation follows from the roster."""


def test_invited(made):
    assert made.shape().invited
    assert not made.shape(invited=False).invited
