// AttachFUSE
