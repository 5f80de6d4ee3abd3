"""For every test: no property fails because the machine was busy."""

from hypothesis import settings

settings.register_profile("argo", deadline=None)
settings.load_profile("argo")
