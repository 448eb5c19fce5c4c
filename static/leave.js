// Shows the browser of whoever has just logged out to the provider of log-ins, by way of the console, which knows how.
location.replace('/login/out')
