"""Exports of network tools, each read into sightings."""
