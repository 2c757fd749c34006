"""One file a form. Text or bytes out, nothing printed, nothing measured."""
