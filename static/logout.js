// Sends a browser that has logged out to the identity provider, by the console's own address.
location.replace('/login/out')
