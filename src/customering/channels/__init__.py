"""How words travel: e-mail by SMTP, or into a folder where nobody is reached."""
