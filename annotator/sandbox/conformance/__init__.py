"""Does an endpoint behave as MTurk's API is documented? Checks that anyone can aim at any endpoint, through boto3."""
