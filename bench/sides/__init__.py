"""The sides: each a program that does the work once in a fresh process and writes down what that took."""
