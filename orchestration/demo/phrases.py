"""The demo's vocabulary: names, subjects, what one asks about. Words only."""

FIRST_NAMES = (
    "Aiko", "Amara", "Ana", "Arjun", "Beatriz", "Bilal", "Chen", "Chiara", "Dalia", "Daniel", "Deepa", "Elif",
    "Emeka", "Farah", "Felix", "Fumiko", "Gita", "Hana", "Hugo", "Ibrahim", "Ines", "Ishaan", "Jonas", "Kavya",
    "Kenji", "Lea", "Lin", "Lucas", "Maria", "Mateo", "Mei", "Nadia", "Nikhil", "Noor", "Olga", "Omar", "Priya",
    "Rahul", "Rosa", "Sakura", "Samuel", "Sofia", "Tariq", "Tomas", "Uma", "Viktor", "Wanjiru", "Yuki", "Zainab", "Zoe",
)  # fmt: skip
LAST_NAMES = (
    "Abe", "Adeyemi", "Ahmed", "Almeida", "Bauer", "Bose", "Chandra", "Costa", "Das", "Demir", "Diallo", "Endo",
    "Eze", "Fischer", "Garcia", "Gupta", "Haddad", "Hoffmann", "Ito", "Iyer", "Jansen", "Joshi", "Kaya", "Kimura",
    "Kowalski", "Kumar", "Larsen", "Li", "Lopez", "Mehta", "Mori", "Mwangi", "Nair", "Novak", "Okafor", "Patel",
    "Pereira", "Rao", "Rossi", "Sato", "Shah", "Silva", "Singh", "Suzuki", "Tanaka", "Verma", "Wang", "Weber", "Yilmaz",
)  # fmt: skip
UNIVERSITIES = ("IIT Delhi", "University of Tokyo", "ETH Zürich", "Universidade de São Paulo", "Makerere University")
COURSES = ("B.Tech", "B.Sc. Physics", "B.Sc. Mathematics", "Medicine", "Mechanical Engineering", "Economics")
TIERS = ("INITIATE", "SCHOLAR", "MENTOR")
SUBSCRIPTIONS = ("FREE", "FREE", "FREE", "PRO")

SUBJECTS = (
    "COMPUTER_SCIENCE", "MATHEMATICS", "PHYSICS", "CHEMISTRY", "BIOLOGY", "ENGINEERING", "BUSINESS", "LITERATURE",
    "HISTORY", "PSYCHOLOGY", "OTHER",
)  # fmt: skip
TOPICS: dict[str, tuple[str, ...]] = {
    "COMPUTER_SCIENCE": ("binary search", "recursion", "hash tables", "deadlocks", "B-trees", "dynamic programming"),
    "MATHEMATICS": ("eigenvectors", "the chain rule", "∑ 1/n²", "Bayes' theorem", "proof by induction", "limits"),
    "PHYSICS": ("Gauss's law", "angular momentum", "the Doppler effect", "entropy", "standing waves"),
    "CHEMISTRY": ("buffer solutions", "Le Chatelier's principle", "chirality", "oxidation numbers"),
    "BIOLOGY": ("meiosis", "the Krebs cycle", "natural selection", "osmosis"),
    "ENGINEERING": ("bending moments", "PID controllers", "heat exchangers", "control loops"),
    "BUSINESS": ("net present value", "price elasticity", "break-even analysis"),
    "LITERATURE": ("free indirect speech", "the sonnet", "unreliable narrators"),
    "HISTORY": ("the Meiji restoration", "the Congress of Vienna", "the Maurya empire"),
    "PSYCHOLOGY": ("working memory", "classical conditioning", "cognitive load"),
    "OTHER": ("how to take notes", "spaced repetition", "exam nerves"),
}
QUESTIONS = (
    "How do I use {topic} in practice?",
    "Why does my solution with {topic} fail?",
    "What is the idea behind {topic}?",
    'My book says "{topic}" needs no proof. Really?',
    "Can somebody explain {topic} with an example?",
    "{topic} を例で説明してください",
    "{topic}: 50 % of my class gets this wrong, C:\\notes\\week 3",
)
DETAILS = (
    "I read the chapter twice and still mix up the steps.",
    "Here is what I tried:\n\n\t1. write down what is given\n\t2. get stuck",
    "It works for small numbers only; see the attachment.",
    "परीक्षा अगले सप्ताह है, please help 🙏",
)
ADVICE = (
    "Start from the definition and draw the smallest case.",
    "Look at the units first: half of the mistakes are there.",
    "Your second step assumes what you want to show.",
    "Try it with n = 3 by hand, then the pattern is plain.",
    "See the worked example in the notes; the trick is to substitute early.",
    "まず図を描いてみましょう。そうすれば関係が見えます。",
)
