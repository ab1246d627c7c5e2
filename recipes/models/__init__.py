"""Many trained models: does the information about labels tell their accuracy, and which to choose?"""
