def fast_extract(expression, type_name, general):
    return general
