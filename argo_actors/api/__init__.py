"""The rim: reads states by reference, and passes operators' words on."""
