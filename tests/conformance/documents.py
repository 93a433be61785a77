"""The questions and answer keys that the checks use."""

_SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
QUESTION = (
    '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/'
    'ExternalQuestion.xsd"><ExternalURL>https://example.org/hit</ExternalURL><FrameHeight>0</FrameHeight>'
    "</ExternalQuestion>"
)
FORM = (
    f'<QuestionForm xmlns="{_SCHEMAS}/2005-10-01/QuestionForm.xsd">'
    "<Question><QuestionIdentifier>animal</QuestionIdentifier><IsRequired>true</IsRequired><QuestionContent>"
    "<Text>Which animal is it?</Text></QuestionContent><AnswerSpecification><SelectionAnswer><Selections><Selection>"
    "<SelectionIdentifier>cat</SelectionIdentifier><Text>a cat</Text></Selection><Selection><SelectionIdentifier>dog"
    "</SelectionIdentifier><Text>a dog</Text></Selection></Selections></SelectionAnswer></AnswerSpecification>"
    "</Question></QuestionForm>"
)
UPLOAD_FORM = (
    f'<QuestionForm xmlns="{_SCHEMAS}/2005-10-01/QuestionForm.xsd">'
    "<Question><QuestionIdentifier>photo</QuestionIdentifier><QuestionContent><Text>A photograph, please.</Text>"
    "</QuestionContent><AnswerSpecification><FileUploadAnswer><MaxFileSizeInBytes>1000</MaxFileSizeInBytes>"
    "<MinFileSizeInBytes>1</MinFileSizeInBytes></FileUploadAnswer></AnswerSpecification></Question></QuestionForm>"
)
ANSWER_KEY = (
    '<AnswerKey xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/AnswerKey.xsd">'
    "<Question><QuestionIdentifier>animal</QuestionIdentifier><AnswerOption><SelectionIdentifier>cat"
    "</SelectionIdentifier><AnswerScore>7</AnswerScore></AnswerOption></Question></AnswerKey>"
)
