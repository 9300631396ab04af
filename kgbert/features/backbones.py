"""What is known of the families of backbones."""

#: Families whose heads read the last position instead of the first.
READ_LAST = ("xlnet",)
